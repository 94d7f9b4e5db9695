"""What stands outside the database, so that the database can be held against it."""
