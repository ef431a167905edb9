import IntegrationKit
import JSON

/// A connection that a caller sent, in `connections/put` or inline.
enum WireConnection {
  /// A caller must not make the host read files of this machine as certificates, or send its traffic
  /// through a machine of the caller's choice.
  ///
  /// - Throws: for members and references that are allowed only in a connections file.
  static func check(_ definition: ConnectionDefinition) throws(ParameterProblems) {
    var names: [String] = []
    if definition.proxy != nil { names.append("proxy") }
    if definition.tls != nil { names.append("tls") }
    guard !names.isEmpty else { return try checkReferences(in: definition.settings) }
    throw ParameterProblems(
      names.map {
        ParameterProblem("is allowed only in a connections file", at: $0)
      }, of: ConnectionDefinition.shape,
      remedy: "Put the connection into the connections file.")
  }

  /// A caller must not make the host read files and variables or run programs.
  private static func checkReferences(in settings: JSON) throws(ParameterProblems) {
    for member in settings.members
    where member.value.members.contains(where: { $0.name.string?.hasPrefix("$") == true }) {
      throw ParameterProblems(
        ParameterProblem(
          "references are allowed only in a connections file; pass the value itself",
          at: member.name.string),
        of: ConnectionDefinition.shape
      ).inside("settings")
    }
  }
}
