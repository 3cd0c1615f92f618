"""Questions to every route at once, made out of the declarations: a new route is asked them without being told of."""
