"""The services. None imports another one."""
