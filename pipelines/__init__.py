"""Jobs and the command line; the only layer that knows files, configs, clocks and MLflow."""
