"""What the lab keeps true: each controller watches one Kubernetes API and acts on it through that API."""
