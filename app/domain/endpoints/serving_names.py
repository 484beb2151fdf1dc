"""The Deployments of a serving by name (the live replicas, a canary's, what balances between them), and their ports."""

LIVE, CANARY, BALANCER = "model", "canary", "balancer"
GRPC_PORT, REST_PORT, STATS_PORT = 8500, 8501, 8404
"""What replicas and balancers listen on; the statistics are the balancers'."""
