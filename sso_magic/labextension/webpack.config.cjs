// Modules and chunks are numbered by their order. By default their numbers depend on the folder in which they are built,
// and the committed files could not be compared with a build elsewhere.
module.exports = { optimization: { moduleIds: "natural", chunkIds: "natural" } };
