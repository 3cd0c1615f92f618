"""The demo's data: months of a business's life, lived through the product's own code with its clock set back.

`past` is the clock, `product` the functions in this process, `courier` what Pub/Sub does between them, `model` what a
model would have said; `cast` reads who there is, `plot` draws who comes when, and `visits`, `owner`, `office` and
`story` play it. Nothing here writes a document: all that there is afterwards was made by a request.
"""
