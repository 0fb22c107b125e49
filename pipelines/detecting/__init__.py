"""The steps of detection: which conversations changed, what they say, and what is written."""
