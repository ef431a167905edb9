import Basics
import HTTPServer
import JSON

extension CODACall {
  /// Handles the routes that change data. Runs under the emulator's lock.
  func change(
    _ route: CODARoute, _ state: inout CODA.State
  ) throws(CODAError) -> HTTPServer.Response {
    guard var tenant = state.tenants[tenantID] else { throw .forbidden }
    let response: HTTPServer.Response
    switch route {
    case .rescanAll: response = try rescanAll(&tenant, &state.rescans)
    case .rescanOne(let text): response = try rescanOne(text, &tenant, &state.rescans)
    case .scope(let targetID): response = try setScope(of: targetID, &tenant)
    default: preconditionFailure("not a route that changes anything")
    }
    state.tenants[tenantID] = tenant
    return response
  }

  /// Skips inactive and busy scanners.
  private func rescanAll(
    _ tenant: inout CODATenant, _ rescans: inout Int
  ) throws(CODAError) -> HTTPServer.Response {
    _ = try CODABody(request, mayBeEmpty: true)
    let ready = tenant.scanners.filter { $0.isActive && !$0.isBusy }
    let first = rescans + 1
    for scanner in ready { rescan(scanner, &tenant, &rescans) }
    return .json(
      200,
      CODAPage.bare(Array(ready.enumerated())) { row, writer in
        Self.write(to: &writer, rescan: first + row.offset, row.element)
      })
  }

  private func rescanOne(
    _ text: String, _ tenant: inout CODATenant, _ rescans: inout Int
  ) throws(CODAError) -> HTTPServer.Response {
    _ = try CODABody(request, mayBeEmpty: true)
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else {
      throw .detail(400, "Invalid scanner id.")
    }
    guard let scanner = tenant.scanners.first(where: { $0.id == Int(text) }) else {
      throw .notFound
    }
    guard scanner.isActive else { throw .detail(406, "The scanner is not active.") }
    guard !scanner.isBusy else {
      throw .detail(405, "The scanner is already running an extended scan.")
    }
    rescan(scanner, &tenant, &rescans)
    return .json(200, JSONFragment { Self.write(to: &$0, rescan: rescans, scanner) })
  }

  /// A scan completes immediately: its findings are dated now.
  private func rescan(_ scanner: CODAScanner, _ tenant: inout CODATenant, _ rescans: inout Int) {
    rescans += 1
    for index in tenant.inputs.indices
    where tenant.inputs[index].scans.contains(where: { $0.scannerID == scanner.id }) {
      tenant.inputs[index].scannedOn = now
    }
  }

  private static func write(
    to writer: inout JSONWriter, rescan number: Int, _ scanner: CODAScanner
  ) {
    let digits = String(number, radix: 16)
    let tail = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    writer.object { writer in
      writer.member("scanUuid", "4a75b36b-d9cc-4615-848e-" + tail)
      writer.member("scannerId", scanner.id)
    }
  }

  private func setScope(
    of targetID: Int, _ tenant: inout CODATenant
  ) throws(CODAError) -> HTTPServer.Response {
    guard tenant.target(targetID) != nil else { throw .notFound }
    let scope = try CODABody(request, mayBeEmpty: true).texts("scope")[0]
    let allowed = profile == .classic ? ["IN", "OUT"] : ["OUT"]
    guard allowed.contains(scope) else {
      let message =
        profile == .classic
        ? "\"\(scope)\" is not a valid choice." : "The scope is not OUT."
      throw .fields([("scope", message)])
    }
    tenant.changeTarget(targetID) { $0.isStopped = scope == "OUT" }
    return HTTPServer.Response(200)
  }
}
