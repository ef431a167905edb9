import Basics
import HTTP
import IntegrationKit
import JSON

struct ListScanners: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "List Scanners",
    "Lists the scanners: the vendor's cloud scanner and internal scanners.",
    permissions: CODAFootprint.roles, items: ItemsPath(or: ["items"]),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { .array(of: CODAResults.scanner) })

  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient) -> HTTPRequest {
    client.request(.get, "/console/scanSurface/scanners/", tenant: tenant)
  }
}

struct ListScanSurfaces: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Scan Surfaces",
    """
    Lists the scan inputs of users and the resulting targets. As documented, an unknown scanner ID \
    lists all scanners. A value that is not an ID is refused.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath("items"),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.scanSurfaces })

  let page: Int64?
  let scanner: Int64?
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    page = parameters.page()
    scanner = parameters.optional(
      "Scanner ID", .identifier,
      "List only its inputs. Default, or if the tenant does not know the ID: all scanners.",
      from: [ParameterSource("list_scanners", "$[*].id")], examples: [12])
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/console/scanSurface/", tenant: tenant) { url in
      url.query("page", page)
      url.query("scannerId", scanner)
    }
  }
}

struct ListCurrentTargetsPorts: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Current Targets Ports",
    "Lists the scan inputs of users with their currently scanned addresses and open ports.",
    permissions: CODAFootprint.roles, items: ItemsPath("items"),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.ports })

  let page: Int64?
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    page = parameters.page()
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/console/scanSurface/currentTargets/ports/", tenant: tenant) {
      $0.query("page", page)
    }
  }
}

struct UpdateTargetScanScope: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Update Target Scan Scope",
    """
    Adds a target to the scan scope or removes it. The scope All, which only the product document \
    shows, is sent unchanged.
    """,
    effect: .write, isIdempotent: true, permissions: CODAFootprint.roles,
    readBack: "list_scan_surfaces",
    errorSamples: [ErrorSample(401, "Unauthorized.")])

  let target: Int64
  let scope: Scope
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    target = parameters.required(
      "Target ID", .identifier, "The target to change.",
      from: [
        ParameterSource("list_scan_surfaces", "$.items[*].scanners[*].currentTargets[*].id")
      ], examples: [7001])
    scope = parameters.required(
      "Scope", .choice(Scope.self),
      "Whether the target is scanned. Tenants of the current profile accept only out.",
      examples: [.out])
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient) -> HTTPRequest {
    client.request(
      .patch, "/console/scanSurface/currentTargets/", target, "/", tenant: tenant,
      body: JSONFragment { $0.object { $0.member("scope", client.profile.scope(scope)) } })
  }
}

struct PatchRescan: CODACommand {
  static let metadata = CommandMetadata(
    "Patch Rescan",
    """
    Rescans all inputs of users, with one scanner or with every active scanner. As documented, an \
    unknown scanner ID starts every active scanner; the result then contains a notice. A value \
    that is not an ID is refused.
    """,
    effect: .write, isAdditive: true, permissions: CODAFootprint.roles,
    readBack: "list_scanners",
    errorSamples: [ErrorSample(401, "Unauthorized.")])

  let scanner: Int64?
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    scanner = parameters.optional(
      "Scanner ID", .identifier,
      "The scanner. Default, or if the tenant does not know the ID: every active scanner.",
      from: [ParameterSource("list_scanners", "$[*].id")], examples: [12])
    tenant = parameters.tenant()
  }

  private func request(_ scanner: Int64?, with client: CODAClient) -> HTTPRequest {
    client.request(
      .patch, "/console/scanSurface/rescan/", scanner, scanner == nil ? "" : "/", tenant: tenant,
      body: JSONFragment { $0.object { _ in } })
  }

  func plan(with client: CODAClient, add: (consuming HTTPRequest) -> Void) {
    add(request(scanner, with: client))
  }

  func run(
    with client: CODAClient, in invocation: Invocation
  ) async throws(CommandError) -> CommandResult {
    do throws(CommandError) {
      let body = try await client.exchange(request(scanner, with: client), in: invocation)
      return await invocation.finish(body, items: nil)
    } catch {
      // For an unknown scanner, the vendor returns 400 or 404, but the document promises a rescan
      // by all scanners. Other errors concern a known scanner or the user.
      guard let scanner, CODAErrors.isUnknownID(error) else { throw error }
      let body = try await client.exchange(request(nil, with: client), in: invocation)
      var result = await invocation.finish(body, items: nil)
      result.notices.append(
        """
        Scanner \(scanner) is unknown to the tenant (\(error.statusCode)). Every active scanner \
        was started instead.
        """)
      return result
    }
  }
}
