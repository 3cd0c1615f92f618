"""A card service for one machine: as much of Stripe's API as the functions use, a page to pay on, signed webhooks."""
