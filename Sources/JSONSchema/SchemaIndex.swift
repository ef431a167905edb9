import Basics
import JSON

/// The subschemas of a document, and the names that references use.
struct SchemaIndex {
  /// A subschema.
  struct Place {
    let json: JSON
    let pointer: SchemaPointer
    /// The position of its resource.
    let resource: Int
  }

  /// The part of the document that one `$id` names; the first is the document.
  struct Resource {
    let uri: URIReference
    let root: JSON
    let pointer: SchemaPointer
    /// The offsets of subschemas by `$anchor` and `$dynamicAnchor`.
    var anchors: [String: Int] = [:]
    var dynamicAnchors: [String: Int] = [:]
  }

  private(set) var resources: [Resource] = []
  /// By offset in the document.
  private(set) var places: [Int: Place] = [:]
  private var byURI: [String: Int] = [:]
  private(set) var faults: [PlacedFault] = []

  private static let single = [
    "additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
  ]
  private static let lists = ["allOf", "anyOf", "oneOf", "prefixItems"]
  private static let maps = [
    "properties", "patternProperties", "dependentSchemas", "$defs", "definitions",
  ]
  private static let dialects = [
    "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#",
  ]

  init(_ document: JSON) {
    var root = Resource(uri: URIReference(""), root: document, pointer: .root)
    if let id = document["$id"]?.string {
      root = Resource(uri: URIReference(id), root: document, pointer: .root)
    }
    resources.append(root)
    byURI[root.uri.resource] = 0
    add(document, pointer: .root, resource: 0, depth: 0)
  }

  /// Whether the document cannot be checked because of its size.
  private(set) var isTooLarge = false

  // MARK: Collecting

  /// Adds a subschema and the subschemas in it.
  mutating func add(_ json: JSON, pointer: SchemaPointer, resource: Int, depth: Int) {
    guard places[json.offset] == nil, !isTooLarge else { return }
    guard depth <= SchemaLimits.depth, places.count < SchemaLimits.subschemas else {
      isTooLarge = true
      refuse(
        json, pointer,
        depth > SchemaLimits.depth
          ? "is nested too deeply; limit: \(SchemaLimits.depth) levels"
          : "is too large; limit: \(SchemaLimits.subschemas) subschemas")
      return
    }
    var resource = resource
    if json.kind == .object, !pointer.isRoot, let id = json["$id"] {
      resource = enter(json, id, pointer: pointer, from: resource)
    }
    places[json.offset] = Place(json: json, pointer: pointer, resource: resource)
    guard json.kind == .object else { return }
    if pointer.isRoot, let id = json["$id"], check(id, pointer) {
      _ = isShort(resources[resource].uri, id, pointer)
      // Names that are relative to it are too long too.
      if resources[resource].uri.resource.utf8.count > SchemaLimits.identifierBytes { return }
    }
    addAnchors(of: json, pointer, resource)
    if let dialect = json["$schema"], !Self.dialects.contains(where: { dialect.equals($0) }) {
      refuse(
        dialect, pointer.child("$schema"),
        "is an unsupported dialect; expected \(Self.dialects[0])")
    }
    for keyword in Self.single {
      if let child = json[keyword] {
        add(child, pointer: pointer.child(keyword), resource: resource, depth: depth + 1)
      }
    }
    for keyword in Self.lists {
      for (position, child) in (json[keyword]?.elements).map(Array.init)?.enumerated()
        ?? [].enumerated()
      {
        add(
          child, pointer: pointer.child(keyword).child(String(position)), resource: resource,
          depth: depth + 1)
      }
    }
    for keyword in Self.maps {
      guard let members = json[keyword]?.members else { continue }
      for member in members {
        add(
          member.value,
          pointer: pointer.child(keyword).child(member.name.string ?? ""),
          resource: resource, depth: depth + 1)
      }
    }
  }

  /// Adds the resource of an embedded `$id`.
  private mutating func enter(
    _ json: JSON, _ id: JSON, pointer: SchemaPointer, from outer: Int
  ) -> Int {
    guard check(id, pointer), let text = id.string else { return outer }
    let uri = URIReference(text).resolved(against: resources[outer].uri)
    guard isShort(uri, id, pointer) else { return outer }
    guard byURI[uri.resource] == nil else {
      refuse(id, pointer.child("$id"), "names two schemas")
      return outer
    }
    resources.append(Resource(uri: uri, root: json, pointer: pointer))
    byURI[uri.resource] = resources.count - 1
    return resources.count - 1
  }

  /// The absolute names of nested resources can be much longer than the schema.
  private mutating func isShort(
    _ uri: URIReference, _ id: JSON, _ pointer: SchemaPointer
  ) -> Bool {
    if uri.resource.utf8.count <= SchemaLimits.identifierBytes { return true }
    refuse(
      id, pointer.child("$id"), "is too long; limit: \(SchemaLimits.identifierBytes) bytes")
    return false
  }

  @discardableResult
  private mutating func check(_ id: JSON, _ pointer: SchemaPointer) -> Bool {
    guard let text = id.string else {
      refuse(id, pointer.child("$id"), "must be a string")
      return false
    }
    guard URIReference(text).fragment ?? "" == "" else {
      refuse(id, pointer.child("$id"), "must not have a fragment; use $anchor")
      return false
    }
    return true
  }

  private mutating func addAnchors(of json: JSON, _ pointer: SchemaPointer, _ resource: Int) {
    for keyword in ["$anchor", "$dynamicAnchor"] {
      guard let argument = json[keyword] else { continue }
      guard let name = argument.string, Self.isAnchor(name) else {
        refuse(
          argument, pointer.child(keyword),
          "must be a name of letters, digits, hyphens, underscores and periods")
        continue
      }
      if let other = resources[resource].anchors[name], other != json.offset {
        refuse(argument, pointer.child(keyword), "names two schemas")
      }
      resources[resource].anchors[name] = json.offset
      if keyword == "$dynamicAnchor" { resources[resource].dynamicAnchors[name] = json.offset }
    }
  }

  private static func isAnchor(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLetter(first) else { return false }
    return name.utf8.allSatisfy {
      isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F
  }

  private mutating func refuse(_ json: JSON, _ pointer: SchemaPointer, _ message: String) {
    guard faults.count < PlacedFault.maximumCount else { return }
    faults.append(PlacedFault(json, pointer, message))
  }

  // MARK: References

  enum Target {
    /// A subschema, and the name of its `$dynamicAnchor` if the reference used that.
    case found(Place, dynamicAnchor: String?)
    case failed(String)
  }

  /// The target of a reference in a resource.
  mutating func target(of reference: String, in resource: Int) -> Target {
    let uri = URIReference(reference).resolved(against: resources[resource].uri)
    guard let target = byURI[uri.resource] else {
      return .failed("refers to another document, which is not supported")
    }
    guard let fragment = uri.decodedFragment else {
      return .failed("has invalid percent-encoding")
    }
    if fragment.isEmpty || fragment.hasPrefix("/") {
      guard let names = Pointer.names(of: fragment), let place = place(names, in: target) else {
        return .failed("refers to nothing in the schema")
      }
      return .found(place, dynamicAnchor: nil)
    }
    guard let offset = resources[target].anchors[fragment], let place = places[offset] else {
      return .failed("refers to an unknown anchor")
    }
    let isDynamic = resources[target].dynamicAnchors[fragment] != nil
    return .found(place, dynamicAnchor: isDynamic ? fragment : nil)
  }

  /// Follows a pointer. A target outside the known keywords is added as a subschema.
  private mutating func place(_ names: [String], in resource: Int) -> Place? {
    var json = resources[resource].root
    var pointer = resources[resource].pointer
    var resource = resource
    for name in names {
      guard let child = child(name, of: json) else { return nil }
      json = child
      pointer = pointer.child(name)
      if let known = places[json.offset] { resource = known.resource }
    }
    add(json, pointer: pointer, resource: resource, depth: 0)
    return places[json.offset]
  }

  /// The members or elements of containers that references lead through, by name.
  private var children: [Int: [[UInt8]: JSON]] = [:]

  private mutating func child(_ name: String, of json: JSON) -> JSON? {
    if children[json.offset] == nil {
      var all: [[UInt8]: JSON] = [:]
      for member in json.members { all[member.name.stringBytes ?? []] = member.value }
      for (position, element) in json.elements.enumerated() {
        all[Array(String(position).utf8)] = element
      }
      children[json.offset] = all
    }
    return children[json.offset]?[Array(name.utf8)]
  }
}
