"""Decisions over offers and prices: pure functions, Decimal money, nothing read but the arguments."""
