pytest_plugins = ["dataeng_assets.testing.servers"]
