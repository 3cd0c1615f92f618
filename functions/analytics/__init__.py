"""What happened, counted: conversations, usage, performance."""
