"""ODCS contracts: what a new version breaks, for stored rows and for those who rely on the old one."""
