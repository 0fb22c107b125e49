"""The verb `score` on Spark: features, credit and totals computed by a cluster, for companies beyond one machine."""
