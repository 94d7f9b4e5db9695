"""What an offer for wood is really worth, told to those who would sell it."""
