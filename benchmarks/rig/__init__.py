"""What the benchmarks share: processes and their cost, a workspace with an agent, an instant model, bare functions."""
