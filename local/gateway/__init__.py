"""API Gateway on a laptop: reads api-gateway.yaml and treats requests as Google's gateway would.

Port 8000 serves, next to the contract, what a CDN and Google serve in the cloud: `/`, the widget under `/v1/`, and
`/identity/`.
"""
