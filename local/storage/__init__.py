"""A Cloud Storage for one machine: the JSON API that Google's client speaks, and what a CDN serves, over files."""
