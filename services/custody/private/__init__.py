"""Private fields: kept encrypted, shown by grant, erased with their key."""
