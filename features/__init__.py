"""Tables, sources and features; knows neither models nor the web."""
