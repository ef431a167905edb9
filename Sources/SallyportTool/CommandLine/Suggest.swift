import Basics

enum Suggest {
  /// The closest option. Dashes are ignored in the comparison.
  static func option(_ name: String, among names: [String]) -> String? {
    Suggestion.closest(
      to: String(name.drop { $0 == "-" }), among: names.map { String($0.drop { $0 == "-" }) }
    ).map { "--\($0)" }
  }
}
