"""The pages people open: what a lot, a permit, a guide or an item is, and whether it holds. No database, no key."""
