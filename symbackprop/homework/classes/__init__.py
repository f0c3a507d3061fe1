"""A class: its list as learning systems have it, and the parts that are worked at one by one."""
