import Basics
import HTTP
import IntegrationKit
import JSON

struct ListTechnicalContexts: CODACommand, PagedCommand {
  static let metadata = CommandMetadata(
    "List Technical Contexts",
    """
    Lists the technical contexts. A page after the last one succeeds without items. totalPages \
    contains the number of pages for the current parameters.
    """,
    permissions: CODAFootprint.roles, items: ItemsPath("items"),
    errorSamples: [ErrorSample(401, "Unauthorized.")],
    result: { CODAResults.paged(CODAResults.technicalContext) })

  let page: Int64?
  let riskLevel: RiskLevel?
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    page = parameters.page()
    riskLevel = parameters.optional(
      "Risk Level", .choice(RiskLevel.self),
      "List only contexts with this risk level. Default: all.",
      examples: [.all])
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient, page: Int64?) -> HTTPRequest {
    client.request(.get, "/console/elements/contexts/technical/", tenant: tenant) { url in
      url.query("page", page)
      url.query(client.profile.contextRiskName, client.profile.risk(riskLevel))
    }
  }
}

struct GetTechnicalContext: CODACommand, RequestCommand {
  static let metadata = CommandMetadata(
    "Get Technical Context", "Returns one technical context.",
    permissions: CODAFootprint.roles,
    errorSamples: [ErrorSample(404, "Not Found.")],
    result: { CODAResults.technicalContext })

  let context: Int64
  let tenant: Int64?

  init(_ parameters: inout ParamReader) {
    context = parameters.required(
      "Context ID", .identifier, "The technical context to return.",
      from: [ParameterSource("list_technical_contexts", "$.items[*].id")], examples: [301])
    tenant = parameters.tenant()
  }

  func request(with client: CODAClient) -> HTTPRequest {
    client.request(.get, "/console/elements/contexts/technical/", context, "/", tenant: tenant)
  }
}
