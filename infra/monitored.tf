# Metrics live in the project of what they count. Networks of other projects are seen from Wayout's own project too, so that
# one dashboard shows them and one set of channels hears of them.
resource "google_monitoring_monitored_project" "network" {
  for_each = setsubtract(local._network_projects, [var.project])

  metrics_scope = var.project
  name          = each.key

  depends_on = [google_project_service.home]
}
