import IntegrationKit

/// A connection that a caller sent, in `connections/put` or inline.
enum WireConnection {
  /// A caller must not make the host read files of this machine as certificates, or send its traffic
  /// through a machine of the caller's choice.
  ///
  /// - Throws: all members that are allowed only in a connections file.
  static func check(_ definition: ConnectionDefinition) throws(ParameterProblems) {
    var names: [String] = []
    if definition.proxy != nil { names.append("proxy") }
    if definition.tls != nil { names.append("tls") }
    guard !names.isEmpty else { return }
    throw ParameterProblems(
      names.map {
        ParameterProblem("is allowed only in a connections file", at: $0)
      }, of: ConnectionDefinition.shape,
      remedy: "Put the connection into the connections file.")
  }
}
