"""What is so on a host: one file a subject, all of it asked in one round trip, nothing ever changed."""
