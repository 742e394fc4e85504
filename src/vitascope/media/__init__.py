"""What comes in from outside: pictures, videos and their sound, checked, decoded under limits and fitted."""
