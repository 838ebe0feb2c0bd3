"""What an SSVNode is: one typed source, from which the CustomResourceDefinition is generated.

`spec` and `status` are the fields, `rules` what no single field can say (CEL), `schema` and `crd` the generated form.
"""
