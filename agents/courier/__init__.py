"""Ships parcels with a carrier whose service is slow, limited and sometimes away."""
