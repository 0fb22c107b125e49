"""Which utterances tell of an assist by a partner, and of which type."""
