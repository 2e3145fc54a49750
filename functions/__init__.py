"""The doors: what Cloud Functions loads. They translate and delegate, and decide nothing."""
