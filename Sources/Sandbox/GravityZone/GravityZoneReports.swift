import Basics
import HTTPServer
import JSON

/// Calls for reports and their download links.
extension GravityZoneCall {
  func reports(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let parameters = try parameters("name", "type", "page", "perPage")
    let name = try parameters.optionalText("name")
    let type = try parameters.optionalInteger("type", in: 1...41)
    if let type, !GravityZoneReport.types.contains(type) { throw .invalid("type") }
    let page = try parameters.page()
    let shown = state.reports.filter { report in
      report.exists(state, now: now) && key.companyIDs.contains(report.companyID)
        && name.map { $0 == report.name } ?? true && type.map { $0 == report.type } ?? true
    }
    return page.envelope(shown) { $0.write(to: &$1) }
  }

  func downloadLinks(_ state: GravityZoneState) throws(GravityZoneError) -> JSONFragment {
    let id = try parameters("reportId").id("reportId")
    guard let report = state.report(id, key, now: now) else { throw .invalid("reportId") }
    return JSONFragment { writer in
      report.writeLinks(
        to: &writer, isReady: report.isReady(state, now: now), origin: origin)
    }
  }
}

extension GravityZoneState {
  func report(_ id: String, _ key: GravityZoneKey, now: Int) -> GravityZoneReport? {
    reports.first { report in
      report.id == id && key.companyIDs.contains(report.companyID) && report.exists(self, now: now)
    }
  }

  /// The response of a download link.
  func archive(
    _ request: HTTPServer.Request, _ key: GravityZoneKey, now: Int
  ) -> HTTPServer.Response {
    let wantsAll = request.query("allInstances") == "1"
    guard let report = report(request.query("reportId") ?? "", key, now: now),
      report.isReady(self, now: now), !(wantsAll && report.occurrence == .instant)
    else { return GravityZoneErrorResponse.response(404) }
    if report.linkFault == .page {
      return .html(200, "<!doctype html><title>Sign in</title><form method=\"post\"></form>\n")
    }
    return HTTPServer.Response(
      200,
      headers: [
        "Content-Type": "application/zip",
        "Content-Disposition": "attachment; filename=\"\(report.name).zip\"",
      ], body: report.archive(allInstances: wantsAll))
  }
}
