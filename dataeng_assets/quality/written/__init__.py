"""How results are written down, one module per format. Each takes results and gives text; nothing is read or written.

A site of pages with history belongs in `report`.
"""
