"""Image files: opening them, what they hold, their pixels, and what is remembered of them."""
