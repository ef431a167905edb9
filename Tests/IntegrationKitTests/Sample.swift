import JSON

@testable import IntegrationKit

enum SampleMethod: String, ParameterChoice {
  case move, delete
  case keepAll = "keep_all"
}

/// The parameters of a sample command, with every parameter type and every rule.
struct Sample: ParameterObject {
  static let naming = ParameterShape.Naming.snakeCase
  static let shape = ParameterShape(of: Sample.self)

  let name: String
  let ids: [String]
  let size: Int64
  let page: Int64?
  let device: Int64?
  let method: SampleMethod?
  let parent: String?
  let force: Bool?
  let seconds: Double?
  let server: String?
  let filter: SampleFilter?
  let ports: [SamplePort]?
  let anything: JSONText?
  let fields: JSONText?
  let isKeyGiven: Bool

  /// A value that is passed on unchanged.
  typealias JSONText = String

  init(_ parameters: inout ParamReader) {
    name = parameters.required("Scan Name", .text(maximumCharacters: 5), "A name.")
    ids = parameters.optional(
      "Endpoint ID(s)", .list(of: .text, count: 1...3), "Some ids.", default: [],
      from: [ParameterSource("list_endpoints", "$.items[*].id")], examples: [["a", "b"]])
    size = parameters.optional(
      "Page Size", .integer(from: 1, to: 100), "Items on a page.", default: 30)
    page = parameters.optional("Page", .page, "Which page.")
    device = parameters.optional("Device ID", .identifier, "A device.", examples: [17])
    method = parameters.optional("Update Method", .choice(SampleMethod.self), "What to do.")
    parent = parameters.optional("Parent ID", .text, "Where to.")
    force = parameters.optional("Force Delete", .boolean, "Even when it is not empty.")
    seconds = parameters.optional("Per Seconds", .positiveNumber, "How long.")
    server = parameters.optional("Server URL", .serverURL, "Where.")??.text
    filter = parameters.optional("Filter", .object(SampleFilter.self), "Which ones.")
    ports = parameters.optional("Ports", .list(of: .object(SamplePort.self)), "Where to look.")
    anything = parameters.optional("Anything", .anyJSON, "Whatever.")?.sourceText
    fields = parameters.optional("Custom Fields", .jsonObject, "More.")?.sourceText
    isKeyGiven = parameters.optional("API Key", .secret, "A credential.") != nil
    parameters.atLeastOne(of: "Endpoint ID(s)", "Device ID")
    parameters.required("Parent ID", when: "Update Method", isOneOf: "move", "keep_all")
    parameters.allowed("Force Delete", when: "Update Method", isOneOf: "delete", "keep_all")
  }
}

/// Members with the vendor's names.
struct SampleFilter: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  let riskLevel: String?
  let port: SamplePort?

  init(_ members: inout ParamReader) {
    riskLevel = members.optional("riskLevel", .text(maximumCharacters: 8), "A level.")
    port = members.optional("port", .object(SamplePort.self), "A port.")
  }
}

struct SamplePort: ParameterObject {
  static let naming = ParameterShape.Naming.verbatim
  let number: Int64
  let protocols: [String]

  init(_ members: inout ParamReader) {
    number = members.required("number", .integer(from: 1, to: 65_535), "Its number.")
    protocols = members.optional("protocols", .list(of: .text), "Which.", default: ["tcp"])
  }
}
