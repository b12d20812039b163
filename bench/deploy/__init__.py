"""Rolling deploys under load: workers are replaced one by one while runs are in every state."""
