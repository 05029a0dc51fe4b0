"""Profiles for ~/.aws/config, written from the inventory.

plan     which sections are to be written; planned: the plan, shown and carried out
names    names for profiles, by a template
"""
