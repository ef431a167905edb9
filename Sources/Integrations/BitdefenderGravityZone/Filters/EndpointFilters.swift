import Basics
import IntegrationKit
import JSON

/// The parameter `filters`: converts the document's Lucene-like text to the API's filter object.
///
/// Terms are joined by AND: `field:value`, or `field in (value, value)` for a field that accepts a
/// list. The fields that are valid for both endpoint types are inferred from the filters of the two
/// methods.
struct EndpointFilters: Sendable {
  struct Term: Sendable {
    let field: FilterField
    let value: Value
    /// The position in the text, in characters from 1.
    let position: Int
  }

  enum Value: Sendable {
    case flag(Bool)
    case text(String)
    case texts([String])
  }

  let terms: [Term]

  static let description: StaticString = """
    Terms joined by AND: FIELD:VALUE, or details.macs in (VALUE, VALUE). Quote a VALUE that \
    contains AND with double quotes. For both endpoint types: security.management.managedWithBest, \
    .managedExchangeServers, .managedRelays and .securityServers, depth.allItemsRecursively (True \
    or False), details.ssid, details.macs, details.name (matches the start, or with a leading \
    asterisk any part; at least 3 characters). Only for Active Directory Endpoints: type.groups, \
    type.computers, type.virtualMachines, type.ec2Instances, type.companies, type.companyFolders.
    """

  /// The documents' sentence for any syntax error in the text.
  static let syntaxErrorSentence = """
    Wrong syntax string provided in parameter 'Filters', please refer to the parameter description \
    and sample data.
    """

  /// The problem of using these filters with the type Endpoints; nil if there is none.
  var directoryOnlyProblem: ParameterProblem? {
    guard let term = terms.first(where: \.field.isDirectoryOnly) else { return nil }
    return ParameterProblem(
      """
      at character \(term.position): \(term.field.rawValue) is allowed only when endpoint_type is \
      active_directory_endpoints
      """, sentence: Self.syntaxErrorSentence)
  }

  /// The API's object, such as `{"details":{"name":"*PC1"},"depth":{"allItemsRecursively":true}}`.
  var json: JSONFragment {
    JSONFragment { Self.write(terms.map { ($0.field.path[...], $0.value) }, to: &$0) }
  }

  private static func write(
    _ values: [(path: ArraySlice<String>, value: Value)], to writer: inout JSONWriter
  ) {
    writer.object { writer in
      for name in values.compactMap(\.path.first).withoutDuplicates() {
        let inside = values.filter { $0.path.first == name }
        writer.name(text: name)
        if inside[0].path.count == 1 {
          inside[0].value.write(to: &writer)
        } else {
          write(inside.map { ($0.path.dropFirst(), $0.value) }, to: &writer)
        }
      }
    }
  }
}

extension EndpointFilters.Value {
  func write(to writer: inout JSONWriter) {
    switch self {
    case .flag(let flag): writer.bool(flag)
    case .text(let text): writer.string(text)
    case .texts(let texts): writer.array { for text in texts { $0.string(text) } }
    }
  }
}

/// The filter fields. Their names are the paths in the API's filter object.
enum FilterField: String, CaseIterable, Sendable {
  case managedWithBest = "security.management.managedWithBest"
  case managedExchangeServers = "security.management.managedExchangeServers"
  case managedRelays = "security.management.managedRelays"
  case securityServers = "security.management.securityServers"
  case allItemsRecursively = "depth.allItemsRecursively"
  case ssid = "details.ssid"
  case macs = "details.macs"
  case name = "details.name"
  case groups = "type.groups"
  case computers = "type.computers"
  case virtualMachines = "type.virtualMachines"
  case ec2Instances = "type.ec2Instances"
  case companies = "type.companies"
  case companyFolders = "type.companyFolders"

  enum ValueType { case flag, text, texts }

  var valueType: ValueType {
    switch self {
    case .ssid, .name: .text
    case .macs: .texts
    default: .flag
    }
  }

  var isDirectoryOnly: Bool { path[0] == "type" }

  var path: [String] { rawValue.split(separator: ".").map(String.init) }
}

/// The type of the parameter Filters.
struct EndpointFiltersType: ParameterType {
  private static let maximumCharacters = 10_000

  var placeholder: EndpointFilters { EndpointFilters(terms: []) }

  func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> EndpointFilters? {
    let text = TextType.text(maximumCharacters: Self.maximumCharacters)
    guard let text = text.decode(json, members: members, faults: &faults) else { return nil }
    do {
      var parser = FilterParser(text)
      return try parser.parse()
    } catch {
      faults.append(
        ParameterProblem(
          "at character \(error.position): \(error.reason)", didYouMean: error.didYouMean,
          sentence: EndpointFilters.syntaxErrorSentence))
      return nil
    }
  }

  func writeSchema(to writer: inout JSONWriter) {
    TextType.text(maximumCharacters: Self.maximumCharacters).writeSchema(to: &writer)
    // Matches only the start. A pattern for the whole grammar would be unreadable.
    writer.member(
      "pattern", #"^\s*(security\.management|depth|details|type)\.[A-Za-z0-9]+\s*(:|in\s*\()"#)
  }

  /// Not supported: the declaration has no examples.
  func write(_ value: EndpointFilters, to writer: inout JSONWriter) { writer.string("") }
}

extension ParameterType where Self == EndpointFiltersType {
  static var endpointFilters: EndpointFiltersType { EndpointFiltersType() }
}
