import JSON

/// A fault of a schema, and the position by which faults are sorted.
struct PlacedFault {
  /// Of one list; more than are reported, because they are sorted later.
  static let maximumCount = 1_000

  let offset: Int
  let fault: SchemaFault

  init(_ json: JSON, _ pointer: SchemaPointer, _ message: String) {
    offset = json.offset
    fault = SchemaFault(schemaPath: pointer.text, message: message)
  }
}
