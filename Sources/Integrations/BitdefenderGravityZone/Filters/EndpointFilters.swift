import Basics
import IntegrationKit
import JSON

/// What `filters` asks for: the document's Lucene-like text, as the API's object of filters.
///
/// Terms are joined by AND: `field:value`, or `field in (value, value)` for a field that takes a
/// list. Which fields are for both endpoint types is inferred from the filters of the two methods.
struct EndpointFilters: Sendable {
  struct Term: Sendable {
    let field: FilterField
    let value: Value
    /// Of the term in the text, in characters from 1.
    let position: Int
  }

  enum Value: Sendable {
    case flag(Bool)
    case text(String)
    case texts([String])
  }

  let terms: [Term]

  static let about: StaticString = """
    Terms joined by AND: FIELD:VALUE, or details.macs in (VALUE, VALUE); a VALUE with AND in it \
    stands in double quotes. For both endpoint types: security.management.managedWithBest, \
    .managedExchangeServers, .managedRelays and .securityServers, depth.allItemsRecursively \
    (True or False), details.ssid, details.macs, details.name (its start, or with a leading \
    asterisk any part; 3 characters or more). For Active Directory Endpoints only: type.groups, \
    type.computers, type.virtualMachines, type.ec2Instances, type.companies, type.companyFolders.
    """

  /// The documents' sentence for any fault in the text.
  static let faultSentence = """
    Wrong syntax string provided in parameter 'Filters', please refer to the parameter description \
    and sample data.
    """

  /// Why these filters cannot be used for the type Endpoints, or nil.
  var directoryOnlyFault: ParameterProblem? {
    guard let term = terms.first(where: \.field.isDirectoryOnly) else { return nil }
    return ParameterProblem(
      """
      has \(term.field.rawValue) at character \(term.position), which is only for \
      endpoint_type active_directory_endpoints
      """, sentence: Self.faultSentence)
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

/// What can be filtered by. The names are the paths in the API's object.
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

  enum Kind { case flag, text, texts }

  var kind: Kind {
    switch self {
    case .ssid, .name: .text
    case .macs: .texts
    default: .flag
    }
  }

  var isDirectoryOnly: Bool { path[0] == "type" }

  var path: [String] { rawValue.split(separator: ".").map(String.init) }
}

/// The kind of the parameter Filters.
struct EndpointFiltersType: ParameterType {
  /// Characters of the text at most.
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
          "has \(error.reason) at character \(error.position)", didYouMean: error.didYouMean,
          sentence: EndpointFilters.faultSentence))
      return nil
    }
  }

  func writeSchema(to writer: inout JSONWriter) {
    TextType.text(maximumCharacters: Self.maximumCharacters).writeSchema(to: &writer)
    // How it starts; the whole grammar would be a pattern that nobody reads.
    writer.member(
      "pattern", #"^\s*(security\.management|depth|details|type)\.[A-Za-z0-9]+\s*(:|in\s*\()"#)
  }

  /// Filters are given as text; there is no way back to it.
  func write(_ value: EndpointFilters, to writer: inout JSONWriter) { writer.string("") }
}

extension ParameterType where Self == EndpointFiltersType {
  static var endpointFilters: EndpointFiltersType { EndpointFiltersType() }
}
