"""What an operator does with the journal by hand: copy it, bring it back, take packages out."""
