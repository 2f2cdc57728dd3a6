"""Rules about the server as a whole: settings, vacuuming, sessions and locks."""
