"""Bare functions: the least code under functions-framework that does what a product's function is compared with."""
