"""Return shipments: carriers, and the parcels on their way back."""
