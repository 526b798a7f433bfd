"""Pictures in posts: charts that the bridge draws, and images that a payload names."""
