/// One fault of a value, or of a schema that cannot be checked.
package struct SchemaFault: Sendable, Equatable {
  /// JSON Pointer (RFC 6901) into the value; empty for the value itself, and for a fault of a schema.
  package let path: String
  /// JSON Pointer into the schema: the keyword that the value violates, or the place that cannot be
  /// checked.
  package let schemaPath: String
  /// A phrase such as "must be a string". Never quotes the value, and does not contain `didYouMean`.
  package let message: String
  /// For an unknown member or an unknown value of `enum`.
  package let didYouMean: String?
  /// A required member is absent; `path` ends with its name.
  package let isMissing: Bool
  /// A member that the schema does not allow; `path` ends with its name.
  package let isUnknown: Bool

  init(
    path: String = "", schemaPath: String, message: String, didYouMean: String? = nil,
    isMissing: Bool = false, isUnknown: Bool = false
  ) {
    self.path = path
    self.schemaPath = schemaPath
    self.message = message
    self.didYouMean = didYouMean
    self.isMissing = isMissing
    self.isUnknown = isUnknown
  }

  /// "/risk: unknown member; did you mean "risk_level"?"
  package var text: String {
    let suggestion = didYouMean.map { "; did you mean \"\($0)\"?" } ?? ""
    return (path.isEmpty ? "" : "\(path): ") + message + suggestion
  }
}

/// Why a schema cannot be checked. `schemaPath` is the place of each fault.
package struct SchemaFaults: Error, Sendable {
  package let list: [SchemaFault]
}
