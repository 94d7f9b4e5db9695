"""What an operator does to a log that stands still: look at every row, bring it back, hand it over to its successor."""
