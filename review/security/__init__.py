"""Who somebody is, what they may do, and that a request is really theirs."""
