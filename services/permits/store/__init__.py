"""What permits remembers, asked by questions. Rows never leave this room; it answers domain objects and plain values."""
